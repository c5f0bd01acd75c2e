import { Button, Menu } from "@mantine/core";
import { IconCheck, IconPlus, IconSelector } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseWorkspace } from "../../api/http";
import { meQuery, workspacesQuery } from "../auth/queries";
import { useMay } from "../auth/useMay";

const NewWorkspace = lazy(() => import("./NewWorkspace").then((module) => ({ default: module.NewWorkspace })));

/** Which workspace one is in, and the others; nothing where there is but one and no more can be made. */
export function WorkspaceSwitcher() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const runsAll = useMay("installation");
  const here = useQuery(meQuery).data?.workspace_id;
  const workspaces = useQuery(workspacesQuery(runsAll)).data ?? [];
  const [making, setMaking] = useState(false);
  async function enter(id: number) {
    chooseWorkspace(id);
    await navigate({ to: "/" });
    await cache.resetQueries();
  }
  if (workspaces.length < 2 && !runsAll) return null;
  const name = workspaces.find((workspace) => workspace.id === here)?.name;
  return (
    <>
      <Menu position="bottom-start" width={260}>
        <Menu.Target>
          <Button
            variant="default"
            size="compact-md"
            maw={{ base: 130, sm: 260 }}
            rightSection={<IconSelector size={14} aria-hidden />}
            aria-label={t("workspaces.now", { name })}
          >
            {name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={400} style={{ overflowY: "auto" }}>
          <Menu.Label>{t("workspaces.title")}</Menu.Label>
          {workspaces.map((workspace, place) => (
            <Menu.Item
              key={workspace.id}
              data-autofocus={place === 0 || undefined}
              aria-current={workspace.id === here || undefined}
              rightSection={workspace.id === here && <IconCheck size={14} aria-hidden />}
              onClick={() => enter(workspace.id)}
            >
              {workspace.name}
            </Menu.Item>
          ))}
          {runsAll && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setMaking(true)}>
                {t("workspaces.new")}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {making && (
        <Suspense>
          <NewWorkspace onClose={() => setMaking(false)} onMade={enter} />
        </Suspense>
      )}
    </>
  );
}
