/** Is a value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Is a JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };
