/** A refusal as the API words it (RFC 9457), or what stands in for one when no answer came. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
    readonly field?: string,
  ) {
    super(detail);
  }
}

/** Return the problem that a failed call gave; `status` 0: no answer came. */
export function problemOf(error: unknown, status: number): Problem {
  if (error instanceof Problem) return error;
  if (typeof error === "object" && error !== null && "code" in error && "detail" in error) {
    const { code, detail, field } = error as { code: string; detail: string; field?: string };
    return new Problem(code, status, detail, field);
  }
  return new Problem(status ? "unexpected_answer" : "offline", status, String(error));
}
