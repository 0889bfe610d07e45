import assert from 'node:assert/strict'

/** Waits for a condition by looking again and again, and fails when it does not come true in time. For what only real time brings about. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, { withinMs = 5_000 } = {}): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`Within ${withinMs} ms it did not come true that ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
