import type { Block, Scanner } from "./block.ts";
import { isBlank, lineAt } from "./block.ts";

const declaration =
  /^(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|async|pub(?:\([^)]*\))?|unsafe|override|virtual|open|data|inline|extern|local|partial|readonly)\s+)*(?:function\*?|class|interface|type|enum|struct|impl(?:<[^>]*>)?|trait|fn|def|func(?:\s+\([^)]*\))?|module|namespace|object|record|protocol|extension|macro_rules!|sub|proc|package)\s+([A-Za-z_$][\w$.:]*)/;
const assigned =
  /^(?:export\s+)?(?:const|let|var|val)\s+([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=\s*(?:async\s+)?(?:function\b|class\b|\(|[A-Za-z_$][\w$]*\s*=>|\{)/;
const method =
  /^(?:(?:public|private|protected|static|async|override|final|abstract|readonly|virtual|get|set)\s+)*\*?(?:[\w<>[\],.?]+\s+)?([A-Za-z_$#][\w$]*)\s*\([^;]*\)\s*(?::[^={;]*|->[^{;]*|throws\s[\w.,\s]*)?\{\s*$/;
const keywords = new Set(
  "if for while switch catch return else do try with match when loop elif until function super".split(" "),
);
const closing = /^[\s})\];,]*$|^(?:end|else|elif|except|finally|catch|\}\s*else)\b/;
const attached = /^(?:\/\/|\/\*|\*|#|--|@|"""|''')/;

/**
 * Reads source code of any language with braces or indentation: a block is a group of lines between blank lines; its headings
 * are the names of the classes and functions around its first line, by indentation.
 */
export const scanCode: Scanner = (text, before) => {
  const names = [...before.headings];
  const indents = [...before.levels];
  const blocks: Block[] = [];
  let start = 0;
  let headings: readonly string[] = [...names];
  let opens = true;
  let blankBefore = false;
  // Whether only comments and decorators stand between the start of the block and this line.
  let leads = true;
  for (let at = 0; at < text.length;) {
    const { end, next } = lineAt(text, at);
    if (isBlank(text, at, end)) blankBefore = true;
    else {
      const indent = indentOf(text, at, end);
      const body = text.slice(at + indent.chars, Math.min(end, at + indent.chars + 300));
      if (!closing.test(body)) leave(names, indents, indent.columns);
      if (blankBefore && at > start) {
        blocks.push({ start, end: at, kind: "code", headings, opens });
        start = at;
        headings = [...names];
        opens = indent.columns === 0 && !closing.test(body);
        leads = true;
      }
      blankBefore = false;
      const name = symbolOf(body, indent.columns);
      if (name !== undefined) {
        names.push(name);
        indents.push(indent.columns);
        if (headings.length < names.length && leads) headings = [...names];
      }
      leads &&= attached.test(body);
    }
    at = next;
  }
  if (start < text.length) blocks.push({ start, end: text.length, kind: "code", headings, opens });
  return { blocks, state: { ...before, headings: names, levels: indents } };
};

function indentOf(text: string, at: number, end: number): { readonly chars: number; readonly columns: number } {
  let columns = 0;
  let index = at;
  for (; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 32) columns++;
    else if (code === 9) columns += 4;
    else break;
  }
  return { chars: index - at, columns };
}

/** Forgets the symbols whose body has ended before a line of this indentation. */
function leave(names: string[], indents: number[], columns: number): void {
  while ((indents.at(-1) ?? -1) >= columns) {
    indents.pop();
    names.pop();
  }
}

function symbolOf(body: string, columns: number): string | undefined {
  const found = declaration.exec(body) ?? assigned.exec(body) ?? (columns > 0 ? method.exec(body) : null);
  const name = found?.[1];
  return name === undefined || keywords.has(name) ? undefined : name;
}
