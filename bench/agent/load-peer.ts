/** Loads a peer by its name at run time: the types of peers that are not installed must not keep the rest from being checked. */
export async function loadPeer(name: string): Promise<unknown> {
  return (await import(name)) as unknown;
}
