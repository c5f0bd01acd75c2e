import { Button, Group, Pill, Popover, Select, Stack, TextInput } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { formatDay } from "../../i18n/format";
import { DomainSelect } from "../domains/DomainSelect";
import { FolderField, TagsField } from "./LabelField";
import { type LinkSearch, STATES } from "./search";

/** What the list can be narrowed by; it is done at once, and lives in the address. */
export function Filters({ search, narrow }: FiltersProps) {
  const { t } = useTranslation();
  return (
    <Popover width={320} trapFocus withinPortal position="bottom-end">
      <Popover.Target>
        <Button variant="default" leftSection={<IconFilter size={16} aria-hidden />}>
          {t("links.filters")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("links.filters")}>
        <Stack gap="sm">
          <Select
            label={t("links.state")}
            clearable
            comboboxProps={{ withinPortal: false }}
            data={STATES.map((value) => ({ value, label: t(`links.states.${value}`) }))}
            value={search.state ?? null}
            onChange={(state) => narrow({ state: (state as LinkSearch["state"]) ?? undefined })}
          />
          <TagsField
            label={t("linkForm.tags")}
            value={search.tag ?? []}
            onChange={(tag) => narrow({ tag: tag.length ? tag : undefined })}
          />
          <FolderField
            label={t("linkForm.folder")}
            value={search.folder ?? ""}
            onChange={(folder) => narrow({ folder: folder || undefined })}
          />
          <TextInput
            label={t("links.owner")}
            placeholder="user:7"
            maxLength={64}
            value={search.owner ?? ""}
            onChange={(event) => narrow({ owner: event.currentTarget.value || undefined })}
          />
          <DomainSelect
            clearable
            comboboxProps={{ withinPortal: false }}
            value={search.domain ?? ""}
            onChange={(domain) => narrow({ domain: domain || undefined })}
          />
          <Group grow>
            {(["since", "until"] as const).map((name) => (
              <TextInput
                key={name}
                type="date"
                label={t(`links.${name}`)}
                value={search[name] ?? ""}
                onChange={(event) => narrow({ [name]: event.currentTarget.value || undefined })}
              />
            ))}
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The filters that are set, each to be taken away. */
export function Chips({ search, narrow }: FiltersProps) {
  const { t } = useTranslation();
  const chips: [string, Partial<LinkSearch>][] = [];
  if (search.state) chips.push([t(`links.states.${search.state}`), { state: undefined }]);
  for (const tag of search.tag ?? []) {
    const left = search.tag?.filter((other) => other !== tag);
    chips.push([`${t("linkForm.tags")}: ${tag}`, { tag: left?.length ? left : undefined }]);
  }
  if (search.folder) chips.push([`${t("linkForm.folder")}: ${search.folder}`, { folder: undefined }]);
  if (search.owner) chips.push([`${t("links.owner")}: ${search.owner}`, { owner: undefined }]);
  if (search.domain) chips.push([search.domain, { domain: undefined }]);
  for (const name of ["since", "until"] as const) {
    const day = search[name];
    if (day) chips.push([`${t(`links.${name}`)}: ${formatDay(`${day}T00:00`)}`, { [name]: undefined }]);
  }
  if (chips.length === 0) return null;
  return (
    <Group gap="xs" role="group" aria-label={t("links.filters")}>
      {chips.map(([label, change]) => (
        <Pill
          key={label}
          size="md"
          withRemoveButton
          onRemove={() => narrow(change)}
          removeButtonProps={{
            "aria-label": t("links.unfilter", { filter: label }),
            tabIndex: 0,
            "aria-hidden": false,
            size: 24,
          }}
        >
          {label}
        </Pill>
      ))}
      <Button
        size="compact-sm"
        variant="subtle"
        onClick={() =>
          narrow({
            state: undefined,
            tag: undefined,
            folder: undefined,
            owner: undefined,
            domain: undefined,
            since: undefined,
            until: undefined,
          })
        }
      >
        {t("links.unfilterAll")}
      </Button>
    </Group>
  );
}

interface FiltersProps {
  search: LinkSearch;
  narrow: (change: Partial<LinkSearch>) => void;
}
