import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { announce } from "../../parts/announce";
import { messageOf } from "../../parts/States";
import { offerUndo, tellFailure } from "../../parts/undo";
import { refreshLinks } from "./queries";

/** Return what tells of a change to links and offers to take it back; links are read again after either. */
export function useUndo() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  return async (message: string, takeBack: () => Promise<unknown>) => {
    const undo = async () => {
      await takeBack().then(
        () => announce(t("links.undone")),
        (error) => tellFailure(messageOf(error)),
      );
      await refreshLinks(cache);
    };
    offerUndo({ message, action: t("links.undo"), undo });
    await refreshLinks(cache);
  };
}
