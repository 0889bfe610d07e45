/** A span with its attributes by name: to OpenTelemetry collections of attributes are equal in whatever order, and the store has a span's in another one than they came in. */
export function withSortedAttributes<S extends { readonly attributes?: unknown }>(span: S): S {
  const attributes = (span.attributes ?? []) as readonly { readonly key: string }[]
  return { ...span, attributes: attributes.toSorted((one, other) => one.key.localeCompare(other.key)) }
}
