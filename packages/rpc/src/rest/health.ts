/** One thing that must hold before a process may receive work. */
export type HealthCheck = () => boolean | Promise<boolean>

/** What `/readyz` answers. */
export interface Readiness {
  readonly status: 'ready' | 'not-ready'
  readonly checks: Readonly<Record<string, 'ok' | 'failing'>>
}

/** Asks every check. One that throws is failing. */
export async function readinessOf(ready: boolean, checks: Readonly<Record<string, HealthCheck>>): Promise<Readiness> {
  const names = Object.keys(checks)
  const results = await Promise.all(names.map((name) => holds(checks[name]!)))
  return {
    status: ready && results.every(Boolean) ? 'ready' : 'not-ready',
    checks: Object.fromEntries(names.map((name, index) => [name, results[index] === true ? 'ok' : 'failing'])),
  }
}

async function holds(check: HealthCheck): Promise<boolean> {
  try {
    return await check()
  } catch {
    return false
  }
}
