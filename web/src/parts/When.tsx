import { formatAgo, formatMoment } from "../i18n/format";

/** A moment, told by its distance; the exact one is its tooltip. */
export function When({ at }: { at: string }) {
  return (
    <time dateTime={at} title={formatMoment(at)}>
      {formatAgo(at)}
    </time>
  );
}
