import { joined, type Texts } from "../texts";

export default joined(import.meta.glob<Texts>("./*.json", { import: "default", eager: true }));
