import { afterEach, expect, test, vi } from "vitest";
import { copyText } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

test("without a clipboard of its own, as without TLS, the page copies what it selects", async () => {
  let copied = "";
  vi.stubGlobal("navigator", {});
  document.execCommand = (name) => {
    copied = name === "copy" ? (document.activeElement as HTMLTextAreaElement).value : "";
    return true;
  };
  const button = document.body.appendChild(document.createElement("button"));
  button.focus();
  expect(await copyText("https://s.example/ab")).toBe(true);
  expect(copied).toBe("https://s.example/ab");
  expect(document.activeElement).toBe(button);
  expect(document.querySelector("textarea")).toBeNull();
  document.execCommand = () => false;
  expect(await copyText("x")).toBe(false);
});
