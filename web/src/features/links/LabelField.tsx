import { Autocomplete, TagsInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { labelsQuery } from "./queries";

const TYPING_MS = 150;

/** Tags that are completed while they are typed; new ones may be typed, too. */
export function TagsField({ value, onChange, ...props }: TagsProps) {
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed, TYPING_MS);
  const names = useQuery(labelsQuery("tag", search));
  return (
    <TagsInput
      {...props}
      value={value}
      onChange={onChange}
      searchValue={typed}
      onSearchChange={setTyped}
      data={names.data ?? []}
      maxTags={50}
      maxLength={64}
      splitChars={[","]}
      comboboxProps={{ withinPortal: true }}
    />
  );
}

/** A folder that is completed while it is typed. */
export function FolderField({ value, onChange, ...props }: FolderProps) {
  const [search] = useDebouncedValue(value, TYPING_MS);
  const names = useQuery(labelsQuery("folder", search));
  return <Autocomplete {...props} value={value} onChange={onChange} data={names.data ?? []} maxLength={128} />;
}

interface TagsProps {
  label: string;
  description?: string;
  error?: React.ReactNode;
  value: string[];
  onChange: (tags: string[]) => void;
}

interface FolderProps {
  label: string;
  description?: string;
  error?: React.ReactNode;
  value: string;
  onChange: (folder: string) => void;
}
