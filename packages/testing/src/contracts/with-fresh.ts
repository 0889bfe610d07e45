/** What a contract suite opens for each of its tests. */
interface Disposable {
  dispose(): Promise<void>
}

/** Opens what is under test, runs `body` with it, and disposes of it, whatever became of the test. */
export async function withFresh<Under extends Disposable>(
  open: () => Promise<Under>,
  body: (under: Under) => Promise<void>,
): Promise<void> {
  const under = await open()
  try {
    await body(under)
  } finally {
    await under.dispose()
  }
}
