import { notifications } from "@mantine/notifications";
import { messageOf } from "../../parts/States";

/** Fetch the export of a workspace and let the browser save it; by a link the workspace could not be named. */
export async function saveExport(format: "csv" | "json", workspace: string | null) {
  try {
    const headers = workspace ? { "X-Workspace": workspace } : undefined;
    const answer = await fetch(`/api/v1/exports/links?format=${format}`, { headers });
    if (!answer.ok) throw new Error(answer.statusText);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = format === "csv" ? "links.csv" : "links.jsonl";
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    notifications.show({ color: "red", message: messageOf(error) });
  }
}
