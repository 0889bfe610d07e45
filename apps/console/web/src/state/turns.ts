/** Once what was rendered is on the screen; soon in any case, because a page that is hidden paints nothing. */
export function painted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  requestAnimationFrame(() => setTimeout(resolve))
  setTimeout(resolve, PAINTED_MS_MAX)
  return promise
}

const PAINTED_MS_MAX = 100

/** Once whatever else there is to do, input before all, has had its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}
