import { Select, type SelectProps } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../parts/States";
import { domainsQuery } from "./queries";

/** One of the domains that links can be made on here; nothing where there is no choice. */
export function DomainSelect({ value, onChange, error, usualAsEmpty = false, ...props }: DomainProps) {
  const { t } = useTranslation();
  const domains = useQuery(domainsQuery());
  const hosts = (domains.data ?? []).map(({ host }) => host);
  const usual = domains.data?.find((domain) => domain.default)?.host;
  if (hosts.length < 2 && !value && !error && !domains.isError) return null;
  if (!usualAsEmpty && value && !hosts.includes(value)) hosts.push(value); // links may live on one that was given away
  return (
    <Select
      label={t("linkForm.domain")}
      allowDeselect={!usualAsEmpty}
      searchable={hosts.length > 8}
      data={hosts}
      value={value || (usualAsEmpty ? (usual ?? null) : null)}
      onChange={(host) => onChange(host === null || (usualAsEmpty && host === usual) ? "" : host)}
      error={error ?? (domains.isError ? messageOf(domains.error) : undefined)}
      {...props}
    />
  );
}

interface DomainProps extends Pick<SelectProps, "error" | "description" | "clearable" | "comboboxProps"> {
  value: string;
  /** Given the host, or "" for none. */
  onChange: (host: string) => void;
  /** For a new link: nothing chosen means the usual domain, which shows. */
  usualAsEmpty?: boolean;
}
