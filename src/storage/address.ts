/** Tells whether a storage setting is the address of a PostgreSQL server and not the path of a file. */
export function isPostgresAddress(storage: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(storage);
}

/** Shows where a database is without what its address must keep to itself: the password and every option. */
export function shownAddress(storage: string): string {
  if (!isPostgresAddress(storage)) return storage;
  if (!URL.canParse(storage)) return "postgres://…";
  const { username, host, pathname } = new URL(storage);
  return `postgres://${username === "" ? "" : `${username}@`}${host}${pathname}`;
}
