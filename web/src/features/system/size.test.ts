import { beforeAll, expect, test } from "vitest";
import { startTranslations } from "../../i18n";
import { formatBytes, formatSpan } from "./size";

beforeAll(startTranslations);

test.each([
  [0, "0 byte"],
  [1023, "1,023 byte"],
  [1536, "1.5 kB"],
  [5 * 1024 ** 3, "5 GB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0.4, "0.4 seconds"],
  [90, "2 minutes"],
  [7200, "2 hours"],
  [864_000, "10 days"],
])("%d seconds are %s", (seconds, text) => expect(formatSpan(seconds)).toBe(text));
