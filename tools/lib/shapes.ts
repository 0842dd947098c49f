import { Visitor } from "oxc-parser";
import type { TSSignature } from "oxc-parser";
import type { Fault } from "./docstrings.ts";
import type { Source } from "./sources.ts";
import { lineAt, parse } from "./sources.ts";

const maxOptions = 10;
const maxMethods = 8;

/**
 * Finds options objects of too many members, interfaces of too many methods, and classes that extend more than an Error. An adapter may
 * extend a class that its vendor asks to be extended.
 */
export function findShapeFaults(source: Source): readonly Fault[] {
  const faults: Fault[] = [];
  const add = (name: string, offset: number, message: string): void => {
    faults.push({ path: source.path, line: lineAt(source.text, offset), name, message });
  };
  const checkMembers = (name: string, offset: number, members: readonly TSSignature[]): void => {
    const methods = members.filter(isMethod).length;
    if (name.endsWith("Options") && members.length > maxOptions) {
      add(name, offset, `has ${members.length} members; an options object has at most ${maxOptions}`);
    }
    if (!name.endsWith("Options") && methods > maxMethods) {
      add(name, offset, `has ${methods} methods; a port has at most ${maxMethods}`);
    }
  };
  const vendors = new Set<string>();
  new Visitor({
    ImportDeclaration(node) {
      const isVendor = source.path.includes("/adapters/") && !/^(?:\.|node:)/u.test(node.source.value);
      if (isVendor) for (const { local } of node.specifiers) vendors.add(local.name);
    },
    TSInterfaceDeclaration(node) {
      checkMembers(node.id.name, node.start, node.body.body);
    },
    TSTypeAliasDeclaration(node) {
      if (node.typeAnnotation.type === "TSTypeLiteral")
        checkMembers(node.id.name, node.start, node.typeAnnotation.members);
    },
    ClassDeclaration(node) {
      if (node.superClass === null) return;
      const parent = node.superClass.type === "Identifier" ? node.superClass.name : "(an expression)";
      if (parent !== "Error" && !vendors.has(parent))
        add(node.id?.name ?? "(class)", node.start, `extends ${parent}; only Error may be extended`);
    },
  }).visit(parse(source).program);
  return faults;
}

function isMethod(member: TSSignature): boolean {
  if (member.type === "TSMethodSignature") return member.kind === "method";
  return member.type === "TSPropertySignature" && member.typeAnnotation?.typeAnnotation.type === "TSFunctionType";
}
