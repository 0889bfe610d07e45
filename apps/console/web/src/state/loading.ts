/** Something that was asked for. */
export type Loading<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'loaded'; readonly value: T }

export async function loading<T>(asked: Promise<T>): Promise<Loading<T>> {
  try {
    return { kind: 'loaded', value: await asked }
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
  }
}
