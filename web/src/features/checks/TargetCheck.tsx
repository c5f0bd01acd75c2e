import { Box, Button, Group, Skeleton, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { checkLink, type LinkOut, type TroubleOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { formatAgo, formatNumber } from "../../i18n/format";
import { messageOf } from "../../parts/States";
import { tellFailure } from "../../parts/undo";
import { useMay } from "../auth/useMay";
import { checkQuery } from "./queries";
import { sentenceOf } from "./said";

/** Failures in a row that make a link broken. */
const MOST = 3;

/** Whether a link's target still answers, as far as is known, and a way to ask it now. */
export function TargetCheck({ link: { slug, domain } }: { link: LinkOut }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const known = useQuery(checkQuery(slug, domain));
  const mayAsk = useMay("links:write");
  const asking = useMutation({
    mutationFn: () => unwrap(checkLink({ path: { slug }, query: { domain } })),
    onSuccess: async ({ trouble }) => {
      cache.setQueryData(checkQuery(slug, domain).queryKey, { trouble });
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["links", "attention"] }),
        cache.invalidateQueries({ queryKey: ["links", "broken"] }),
      ]);
    },
    onError: (error) => tellFailure(messageOf(error)),
  });
  const trouble = known.data?.trouble;
  const answer = asking.data && !trouble ? asking.data : undefined;
  return (
    <Group gap="sm" mih={28}>
      <Box role="status" style={{ overflowWrap: "anywhere" }}>
        {known.isPending ? (
          <Skeleton height={16} width={240} aria-label={t("state.waiting")} />
        ) : (
          <Text size="sm" c={trouble ? undefined : "dimmed"} fw={trouble?.broken ? 600 : undefined}>
            {asking.isPending
              ? t("checks.asking")
              : trouble
                ? whatIsWrong(trouble)
                : answer
                  ? `${sentenceOf(answer, t)} ${t("checks.asked", { when: formatAgo(answer.checked_at) })}`
                  : known.isError
                    ? messageOf(known.error)
                    : t("checks.fine")}
          </Text>
        )}
      </Box>
      {mayAsk && (
        <Button
          size="compact-sm"
          variant="default"
          loading={asking.isPending}
          onClick={() => asking.mutate()}
          aria-label={t("checks.nowOf")}
        >
          {t("checks.now")}
        </Button>
      )}
    </Group>
  );

  function whatIsWrong(trouble: TroubleOut) {
    const said = [sentenceOf(trouble, t), t("checks.asked", { when: formatAgo(trouble.checked_at) })];
    if (!trouble.broken)
      said.push(t("checks.failures", { nth: formatNumber(trouble.failures), most: formatNumber(MOST) }));
    return said.join(" ");
  }
}
