/** Contrast of two colours written as #rrggbb, from 1 to 21, as WCAG 2.2 defines it. */
export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** White or else black: what can be read on the colour. One of them always can. */
export const textOn = (colour: string) => (contrast("#ffffff", colour) >= 4.5 ? "#ffffff" : "#000000");

export const isColour = (text: string) => /^#[0-9a-f]{6}$/i.test(text);
