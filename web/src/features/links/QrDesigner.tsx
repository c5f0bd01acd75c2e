import {
  Alert,
  Button,
  ColorInput,
  FileButton,
  Group,
  Select,
  Skeleton,
  Slider,
  Stack,
  Switch,
  Text,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { getLinkQr, type LinkOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Failed } from "../../parts/States";
import { dataUrlOf, download, isHardToScan, pngOf, withLogo } from "./qr";

const MAX_LOGO = 512 * 1024;
const LOGO_TYPES = "image/png,image/jpeg,image/webp,image/svg+xml";
type Level = "l" | "m" | "q" | "h";

/** The link's QR code, in colours and with a logo of one's choice; a logo stays in this browser. */
export function QrDesigner({ link, plain }: { link: LinkOut; plain?: boolean }) {
  const { t } = useTranslation();
  const [dark, setDark] = useState("#000000");
  const [light, setLight] = useState("#ffffff");
  const [clear, setClear] = useState(false);
  const [size, setSize] = useState(512);
  const [error, setError] = useState<Level>("m");
  const [logo, setLogo] = useState<string>();
  const [tooLarge, setTooLarge] = useState(false);
  const background = clear ? "transparent" : light;
  const [style] = useDebouncedValue(
    {
      dark: colour(dark, "#000000"),
      light: clear ? "transparent" : colour(light, "#ffffff"),
      size,
      error: logo ? "h" : error,
    } as const,
    150,
  );
  const picture = useQuery({
    queryKey: ["qr", link.domain, link.slug, style],
    queryFn: async ({ signal }) => {
      const query = { domain: link.domain, ...style };
      return String(await unwrap(getLinkQr({ path: { slug: link.slug }, query, parseAs: "text", signal })));
    },
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  if (picture.isPending)
    return <Skeleton width={200} height={200} mx="auto" role="status" aria-label={t("state.waiting")} />;
  if (picture.isError) return <Failed error={picture.error} onRetry={picture.refetch} />;
  const svg = logo ? withLogo(picture.data, logo, style.size, style.light) : picture.data;
  const name = `qr-${link.slug.replaceAll("/", "-")}`;
  async function readLogo(file: File | null) {
    setTooLarge(file !== null && file.size > MAX_LOGO);
    setLogo(file && file.size <= MAX_LOGO ? await asDataUrl(file) : undefined);
  }
  return (
    <Stack gap="sm">
      <img
        src={dataUrlOf(svg)}
        alt={t("qr.alt", { url: link.short_url })}
        width={200}
        height={200}
        style={{ alignSelf: "center", background: "repeating-conic-gradient(#eee 0 25%, #fff 0 50%) 0 / 16px 16px" }}
      />
      {!plain && (
        <>
          <Group grow align="flex-end">
            <ColorInput withEyeDropper={false} label={t("qr.dark")} value={dark} onChange={setDark} />
            <ColorInput
              withEyeDropper={false}
              label={t("qr.light")}
              value={light}
              onChange={setLight}
              disabled={clear}
            />
          </Group>
          <Switch label={t("qr.clear")} checked={clear} onChange={(event) => setClear(event.currentTarget.checked)} />
          {isHardToScan(style.dark, background === "transparent" ? background : style.light) && (
            <Alert color="yellow" role="status">
              {t("qr.contrast")}
            </Alert>
          )}
          <div>
            <Text size="sm" fw={500} id="qr-size">
              {t("qr.size", { size })}
            </Text>
            <Slider
              min={128}
              max={2048}
              step={64}
              value={size}
              onChange={setSize}
              thumbProps={{ "aria-labelledby": "qr-size" }}
              label={null}
            />
          </div>
          <Select
            label={t("qr.level")}
            allowDeselect={false}
            disabled={logo !== undefined}
            data={(["l", "m", "q", "h"] as const).map((value) => ({ value, label: t(`qr.levels.${value}`) }))}
            value={logo ? "h" : error}
            onChange={(value) => setError((value ?? "m") as Level)}
          />
          <Group>
            <FileButton onChange={readLogo} accept={LOGO_TYPES}>
              {(props) => (
                <Button variant="default" {...props}>
                  {t("qr.logo")}
                </Button>
              )}
            </FileButton>
            {logo && (
              <Button variant="subtle" onClick={() => setLogo(undefined)}>
                {t("qr.noLogo")}
              </Button>
            )}
          </Group>
          <Text size="sm" c={tooLarge ? "red" : "dimmed"} role="status">
            {t(tooLarge ? "qr.logoTooLarge" : "qr.logoHint")}
          </Text>
        </>
      )}
      <Group grow>
        <Button variant="default" onClick={() => download(new Blob([svg], { type: "image/svg+xml" }), `${name}.svg`)}>
          {t("qr.svg")}
        </Button>
        <Button variant="default" onClick={async () => download(await pngOf(svg, style.size), `${name}.png`)}>
          {t("qr.png")}
        </Button>
      </Group>
    </Stack>
  );
}

/** A colour that was typed half is not taken yet. */
const colour = (typed: string, otherwise: string) => (/^#[0-9a-f]{6}$/i.test(typed) ? typed : otherwise);

function asDataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
