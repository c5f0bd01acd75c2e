import { breathe } from "./breathe";

// What start.tsx imports behind this file is evaluated a task later than what it imports before.
await breathe();
