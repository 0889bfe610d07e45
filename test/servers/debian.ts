import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Installs packages of Debian, if this is Debian and root asks, without starting their services.
 * @param missing says what to install by hand
 * @throws Error with that text
 */
export function installDebianPackages(packages: readonly string[], missing: string): void {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) throw new Error(missing)
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  // Debian starts the service of a package that it installs, unless this file forbids it.
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const flags = ['install', '-y', '--no-install-recommends', ...packages]
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const { status, stderr } = spawnSync('apt-get', flags, { env: environment, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${missing} Installing it here failed:\n${stderr}`)
  } finally {
    if (ours) rmSync(policy)
  }
}
