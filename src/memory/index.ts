export { openMemory, memoryHistory } from "./open-memory.ts";
export type { MemoryOptions } from "./durable-memory.ts";
export type {
  DurableMemory,
  FactScope,
  Memory,
  MemoryCall,
  MemoryScope,
  PinnedFact,
  Recollection,
  Remembered,
} from "./memory.ts";
export type { KeepPolicy, SectionPolicy, WindowPolicy, WindowSection } from "./window/window-policy.ts";
