/** How much of the code's width a logo covers: with error level H a code can be read with 30 % of its area gone. */
const LOGO = 0.22;

/** Return the picture with a logo on a square of the background colour in its middle. */
export function withLogo(svg: string, logo: string, size: number, light: string): string {
  const width = size * LOGO;
  const at = (size - width) / 2;
  const edge = width * 0.08;
  const square = `<rect x="${at - edge}" y="${at - edge}" width="${width + 2 * edge}" height="${width + 2 * edge}" fill="${light === "transparent" ? "#ffffff" : light}"/>`;
  const image = `<image x="${at}" y="${at}" width="${width}" height="${width}" href="${logo}"/>`;
  return svg.replace(/<\/svg>\s*$/, `${square}${image}</svg>`);
}

/** The contrast of two colours like #1a2b3c by WCAG: 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** Whether scanners may fail: too little contrast, or a code lighter than its background. */
export function isHardToScan(dark: string, light: string): boolean {
  const background = light === "transparent" ? "#ffffff" : light;
  return contrast(dark, background) < 4 || luminance(dark) > luminance(background);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export const dataUrlOf = (svg: string) => `data:image/svg+xml,${encodeURIComponent(svg)}`;

/** Draw an SVG picture as a PNG of this width. */
export async function pngOf(svg: string, size: number): Promise<Blob> {
  const image = new Image(size, size);
  image.src = dataUrlOf(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  canvas.getContext("2d")?.drawImage(image, 0, 0, size, size);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}

export function download(contents: Blob, name: string) {
  const url = URL.createObjectURL(contents);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
