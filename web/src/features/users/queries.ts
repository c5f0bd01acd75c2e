import { infiniteQueryOptions } from "@tanstack/react-query";
import { listUsers, type UserOut } from "../../api/generated";
import { unwrap } from "../../api/http";

/** Everybody who can sign in, oldest first. */
export const usersQuery = infiniteQueryOptions({
  queryKey: ["users"],
  queryFn: ({ signal, pageParam }) => unwrap(listUsers({ query: { limit: 200, cursor: pageParam }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

/** Say whether somebody's name or address has all of the words in it. */
export function matches(user: Pick<UserOut, "name" | "email">, typed: string): boolean {
  const whole = `${user.name} ${user.email}`.toLocaleLowerCase();
  return typed
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => whole.includes(word));
}
