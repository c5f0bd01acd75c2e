import { client } from "./generated/client.gen";
import { problemOf } from "./problem";

const WORKSPACE = "shortly-workspace";

client.setConfig({ baseUrl: "", credentials: "same-origin", headers: { "X-CSRF": "1" } });
client.interceptors.request.use((request) => {
  const workspace = chosenWorkspace();
  if (workspace) request.headers.set("X-Workspace", workspace);
  return request;
});

/** The workspace that this browser works in; null: the one that the server chooses. */
export function chosenWorkspace(): string | null {
  return localStorage.getItem(WORKSPACE);
}

export function chooseWorkspace(id: number | null) {
  if (id === null) localStorage.removeItem(WORKSPACE);
  else localStorage.setItem(WORKSPACE, String(id));
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response?: Response;
}

/** Return what a call of the generated client answered, or throw its `Problem`. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response?.ok || error !== undefined) throw problemOf(error, response?.status ?? 0);
  return data as T;
}
