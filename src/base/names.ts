/** Says in messages what `isName` asks for. */
export const nameForm = '1 to 64 letters, digits, "_", "." or "-"';

/** Tells whether a text can name what users define: an agent, a factory, a team, a graph, a node. */
export function isName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/.test(text);
}
