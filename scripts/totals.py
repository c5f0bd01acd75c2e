"""Print what was skipped and why, and one line with the sums of all pytest reports (JUnit XML) in a folder."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def main(folder: str) -> None:
    """Read every report; a folder without any is a failure of its own."""
    passed = failed = skipped = 0
    seconds = 0.0
    reports = sorted(Path(folder).glob("*.xml"))
    for report in reports:
        for suite in ET.parse(report).getroot().iter("testsuite"):
            count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
            failed += count["failures"] + count["errors"]
            skipped += count["skipped"]
            passed += count["tests"] - count["failures"] - count["errors"] - count["skipped"]
            seconds += float(suite.get("time", "0"))
            for case in suite.iter("testcase"):
                for skip in case.iter("skipped"):
                    print(f"skipped: {case.get('classname')}.{case.get('name')}: {skip.get('message')}")
    if not reports:
        failed = 1
        print(f"no test report was found in {folder}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1])
