import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { slugQuery } from "./queries";

/** A slug, with word on whether it can be had while it is typed. */
export function SlugField({ value, onChange, error, own, domain }: SlugProps) {
  const { t } = useTranslation();
  const [asked] = useDebouncedValue(value.trim(), 250);
  const known = asked === "" || own.includes(asked);
  const found = useQuery({ ...slugQuery(asked, domain), enabled: !known });
  const verdict = !known && asked === value.trim() ? found.data : undefined;
  const refused = typeof verdict === "object" ? verdict.refused : verdict === "taken" ? t("linkForm.taken") : undefined;
  return (
    <TextInput
      label={t("linkForm.slug")}
      description={
        <span role="status">
          {verdict === "free"
            ? t("linkForm.free", { slug: domain ? `${domain}/${asked}` : asked })
            : t("linkForm.slugHint")}
        </span>
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error ?? refused}
      maxLength={128}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
    />
  );
}

interface SlugProps {
  value: string;
  onChange: (slug: string) => void;
  error?: React.ReactNode;
  /** Slugs that the link itself has. */
  own: string[];
  /** "": the usual one. */
  domain: string;
}
