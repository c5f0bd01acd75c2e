import "uplot/dist/uPlot.min.css";
import { Box, Group, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { formatShort } from "../../i18n/format";
import { type Colours, useColours } from "./colours";

export interface Curve {
  name: string;
  /** null: not known. */
  values: (number | null)[];
}

export interface CurvesProps {
  /** Unix seconds, rising. */
  times: number[];
  /** One or two. */
  curves: Curve[];
  /** What a moment is called, at the axis and under the pointer. */
  timeName: (seconds: number) => string;
  label: string;
  height?: number;
  /** Places of the first and the last time that somebody has drawn the pointer over. */
  onZoom?: (first: number, last: number) => void;
  /** Is given the drawn canvas, or null when there is none any more. */
  onDrawn?: (canvas: HTMLCanvasElement | null) => void;
}

/** Curves over time. A picture: whoever shows it shows the numbers in a table, too. */
export function Curves({ times, curves, timeName, label, height = 260, onZoom, onDrawn }: CurvesProps) {
  const { ref, width } = useElementSize();
  const box = useRef<HTMLDivElement>(null);
  const colours = useColours();
  const latest = useRef({ timeName, onZoom, onDrawn });
  latest.current = { timeName, onZoom, onDrawn };
  const names = curves.map((curve) => curve.name).join("\n");
  const data = JSON.stringify([times, ...curves.map((curve) => curve.values)]);
  useEffect(() => {
    if (!box.current || width < 50) return;
    const chart = new uPlot(
      optionsOf(names.split("\n"), colours, width, height, {
        timeName: (seconds) => latest.current.timeName(seconds),
        onZoom: latest.current.onZoom && ((first, last) => latest.current.onZoom?.(first, last)),
      }),
      JSON.parse(data),
      box.current,
    );
    latest.current.onDrawn?.(chart.ctx.canvas);
    return () => {
      latest.current.onDrawn?.(null);
      chart.destroy();
    };
  }, [data, names, colours, width, height]);
  return (
    <Box ref={ref}>
      <Box ref={box} role="img" aria-label={label} h={height} />
      <Group gap="md" mt={4} aria-hidden>
        {curves.map((curve, place) => (
          <Group key={curve.name} gap={6}>
            <svg width={24} height={8} aria-hidden="true">
              <line
                x1={0}
                x2={24}
                y1={4}
                y2={4}
                stroke={place ? colours.second : colours.first}
                strokeWidth={3}
                strokeDasharray={place ? "6 4" : undefined}
              />
            </svg>
            <Text size="sm">{curve.name}</Text>
          </Group>
        ))}
      </Group>
    </Box>
  );
}

/** Pixels, for the end of what the last moment is called. */
const HALF_A_NAME = 32;

function optionsOf(
  names: string[],
  colours: Colours,
  width: number,
  height: number,
  { timeName, onZoom }: Pick<CurvesProps, "timeName" | "onZoom">,
): uPlot.Options {
  const axis = { stroke: colours.text, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line } };
  const zoom = (chart: uPlot) => {
    const { left, width: wide } = chart.select;
    if (wide < 4 || !onZoom) return;
    onZoom(chart.posToIdx(left), chart.posToIdx(left + wide));
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  };
  return {
    width,
    height,
    padding: [null, HALF_A_NAME, null, null],
    legend: { show: false },
    cursor: { drag: { x: Boolean(onZoom), y: false, setScale: false }, points: { size: 8 } },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      { ...axis, space: 90, values: (_, splits) => splits.map(timeName) },
      { ...axis, size: 48, values: (_, splits) => splits.map((value) => (value % 1 ? "" : formatShort(value))) },
    ],
    series: [
      {},
      ...names.map((name, place) => ({
        label: name,
        stroke: place ? colours.second : colours.first,
        fill: place ? undefined : `${colours.first}22`,
        width: 2,
        dash: place ? [6, 4] : undefined,
        points: { show: place === 0 ? undefined : false },
      })),
    ],
    hooks: { setSelect: [zoom] },
    plugins: [tip(names, timeName)],
  };
}

/** Shows the numbers under the pointer. */
function tip(names: string[], timeName: (seconds: number) => string): uPlot.Plugin {
  const box = document.createElement("div");
  Object.assign(box.style, {
    position: "absolute",
    pointerEvents: "none",
    padding: "4px 8px",
    borderRadius: "6px",
    fontSize: "12px",
    whiteSpace: "pre",
    background: "var(--mantine-color-body)",
    color: "var(--mantine-color-text)",
    border: "1px solid var(--mantine-color-default-border)",
    display: "none",
    zIndex: "10",
  });
  return {
    hooks: {
      init: (chart) => chart.over.append(box),
      setCursor: (chart) => {
        const { idx, left = -1 } = chart.cursor;
        if (idx == null || left < 0) {
          box.style.display = "none";
          return;
        }
        const values = names.map((name, place) => `${name}: ${chart.data[place + 1]?.[idx] ?? "–"}`);
        box.textContent = [timeName(chart.data[0][idx] as number), ...values].join("\n");
        box.style.display = "block";
        const onRight = left < chart.over.clientWidth / 2;
        box.style.left = onRight ? `${left + 12}px` : "";
        box.style.right = onRight ? "" : `${chart.over.clientWidth - left + 12}px`;
        box.style.top = "8px";
      },
    },
  };
}
