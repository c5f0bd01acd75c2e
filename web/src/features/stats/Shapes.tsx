import { geoNaturalEarth1, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { formatNumber } from "../../i18n/format";
import { useColours } from "./colours";
import { COUNTRY_OF } from "./countries";
import { nameOf } from "./values";

const WIDTH = 800;
const HEIGHT = 400;
const world = atlas as unknown as Topology<{ countries: GeometryCollection }>;
const shapes = feature(world, world.objects.countries).features.filter((shape) => shape.id !== "010");
const draw = geoPath(geoNaturalEarth1().fitSize([WIDTH, HEIGHT], { type: "FeatureCollection", features: shapes }));

/** The world, each country the darker the more clicks came from it. A picture: the numbers are in a list beside it. */
export function Shapes({ clicks, label }: { clicks: Map<string, number>; label: string }) {
  const { first } = useColours();
  const most = Math.max(1, ...clicks.values());
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} style={{ width: "100%", display: "block" }}>
      {shapes.map((shape, place) => {
        const country = COUNTRY_OF.get(String(shape.id)) ?? "";
        const number = clicks.get(country) ?? 0;
        const strength = Math.round(20 + 80 * Math.sqrt(number / most));
        return (
          <path
            key={String(shape.id ?? place)}
            d={draw(shape) ?? undefined}
            fill={
              number ? `color-mix(in srgb, ${first} ${strength}%, transparent)` : "var(--mantine-color-default-border)"
            }
            stroke="var(--mantine-color-body)"
            strokeWidth={0.5}
          >
            {country && <title>{`${nameOf("country", country)}: ${formatNumber(number)}`}</title>}
          </path>
        );
      })}
    </svg>
  );
}
