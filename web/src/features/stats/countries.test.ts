import { expect, test } from "vitest";
import atlas from "world-atlas/countries-110m.json";
import { COUNTRY_OF } from "./countries";

test("every country on the map has its letters, and they are those of the country", () => {
  const names = new Intl.DisplayNames("en", { type: "region" });
  const odd: string[] = [];
  for (const { id, properties } of atlas.objects.countries.geometries as {
    id?: string;
    properties: { name: string };
  }[]) {
    if (id === undefined) continue; // without a number: places that not all call a country
    const letters = COUNTRY_OF.get(id);
    const name = letters && names.of(letters);
    if (!name || name[0]?.normalize("NFD")[0] !== properties.name[0]) odd.push(`${id} ${letters} ${properties.name}`);
  }
  expect(odd).toEqual([
    "180 CD Dem. Rep. Congo", // which is written in another way
    "748 SZ eSwatini",
    "807 MK Macedonia",
  ]);
});
