import type { TFunction } from "i18next";
import type { TroubleOut } from "../../api/generated";

/** Return in a sentence what a target's server said. */
export const sentenceOf = ({ said, status }: Pick<TroubleOut, "said" | "status">, t: TFunction) =>
  t(`checks.said.${said}`, { status: String(status ?? "") });
