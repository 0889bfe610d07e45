/** The same, which takes what it stands on or beside along when it closes. */
export function closingWith<Closable extends { close(): Promise<void> }>(closable: Closable, other: { close(): Promise<void> }): Closable {
  const close = closable.close.bind(closable)
  return Object.assign(closable, {
    close: async () => {
      await close()
      await other.close()
    },
  })
}
