/** Any string as PostgreSQL's text can hold it, which takes no NUL and no half of a surrogate pair. Different strings stay different. */
export function storable(text: string): string {
  return JSON.stringify(text)
}

export function restored(text: string): string {
  return JSON.parse(text) as string
}
