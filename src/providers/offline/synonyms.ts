import { stemOf } from "./terms.ts";

/** Everyday words that technical prose uses for one another; nothing here belongs to a product or a document. */
const groups: readonly string[] = [
  "maximum max limit most upper cap largest highest",
  "minimum min least lower smallest",
  "delete remove drop erase clear evict unset",
  "create make build construct new instantiate produce generate",
  "install add npm yarn pnpm setup",
  "disable off suppress prevent turn avoid skip deactivate stop",
  "enable activate turn allow on",
  "error exception fail failure throw reject",
  "start launch begin run execute",
  "stop end terminate kill abort cancel close",
  "change modify alter update edit adjust customize override set",
  "set configure specify define assign setting",
  "option setting parameter argument flag configuration property",
  "choose select pick choice",
  "default initially",
  "author creator maintainer written wrote created made",
  "license licence licensed",
  "size length count number amount",
  "fast speed performance quick quickly",
  "speed fast performance",
  "wait delay timeout duration time",
  "retry retries attempt again",
  "folder directory path",
  "list array enumerate",
  "text string",
  "color colour colors colours",
  "support supported compatible compatibility",
  "require required need needs mandatory must",
  "return returns result yield give",
  "purpose used use meant does",
  "print log output write display show",
  "check test verify validate whether valid determine",
  "convert transform coerce turn cast parse",
  "concurrent parallel simultaneous simultaneously concurrently",
  "request call requests",
  "fake mock stub",
  "hide hidden invisible",
  "join concatenate merge combine",
  "variable variables env environment",
  "multiple several many various variadic",
  "biggest largest maximum max",
  "release version released",
  "ignore skip exclude omit drop",
  "allowed permitted accepted valid restrict",
  "byte bytes kib mib kb mb gb",
];

let table: ReadonlyMap<string, ReadonlySet<string>> | undefined;

/** Gives the stems that can stand for a stem. Cost: the table is made at the first call. */
export function synonymsOf(stem: string): ReadonlySet<string> | undefined {
  table ??= makeTable();
  return table.get(stem);
}

function makeTable(): Map<string, Set<string>> {
  const made = new Map<string, Set<string>>();
  for (const group of groups) {
    const stems = group.split(" ").map(stemOf);
    for (const stem of stems) {
      const others = made.get(stem) ?? new Set<string>();
      for (const other of stems) if (other !== stem) others.add(other);
      made.set(stem, others);
    }
  }
  return made;
}
