import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { takeBackLast } from "../../parts/undo";
import { meQuery } from "../auth/queries";
import { edit, useEditing } from "../links/editor";
import { isElsewhere } from "./elsewhere";

const LinkDrawer = lazy(() => import("../links/LinkDrawer").then((module) => ({ default: module.LinkDrawer })));
const Palette = lazy(() => import("./Palette").then((module) => ({ default: module.Palette })));
const ShortcutsHelp = lazy(() => import("./ShortcutsHelp").then((module) => ({ default: module.ShortcutsHelp })));

/** What keys do on every screen, and what they open: the form, the palette, and the list of keys. */
export function Shortcuts() {
  const me = useQuery(meQuery);
  const mayEdit = me.data?.permissions.includes("links:write") ?? false;
  const editing = useEditing();
  const [opened, setOpened] = useState<"palette" | "help" | null>(null);
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") setOpened("palette");
      else if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target)) return;
      else if (event.key === "n" && mayEdit) edit({ kind: "new" });
      else if (event.key === "z" && takeBackLast()) return event.preventDefault();
      else if (event.key === "?") setOpened("help");
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [mayEdit]);
  const close = () => setOpened(null);
  return (
    <Suspense>
      {editing && <LinkDrawer key={JSON.stringify(editing)} editing={editing} onClose={() => edit(null)} />}
      {opened === "palette" && <Palette mayEdit={mayEdit} onClose={close} onHelp={() => setOpened("help")} />}
      {opened === "help" && <ShortcutsHelp onClose={close} />}
    </Suspense>
  );
}
