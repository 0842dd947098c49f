/** Makes what makes something once, when it is first asked for; what failed is tried again. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    made.catch(() => (made = undefined));
    return await made;
  };
}
