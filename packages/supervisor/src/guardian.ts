import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Reads "add PID" and "forget PID" until the pipe ends, then kills the process groups that are left. The pipe ends when the
 * supervisor does, by whatever signal. One kill for each group: dash ignores all but the first operand of a group kill.
 */
const SCRIPT = `
groups=' '
while read -r verb group; do
  case $verb in
    add) groups="$groups$group " ;;
    forget)
      others=' '
      for other in $groups; do [ "$other" = "$group" ] || others="$others$other "; done
      groups=$others ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
`

/**
 * A shell outside of the supervisor's process group that outlives it for one purpose: to kill the processes that it leaves behind.
 * The lifeline in each process does so too, and faster; but it cannot where the event loop is busy, nor for grandchildren.
 */
export class Guardian {
  readonly #groups = new Set<number>()
  #shell: ChildProcess | undefined
  #closed = false

  constructor() {
    this.#start()
  }

  get pid(): number | undefined {
    return this.#shell?.pid
  }

  /** From now on the group dies with the supervisor. */
  add(group: number): void {
    this.#groups.add(group)
    this.#tell(`add ${group}`)
  }

  /** The group has ended. Its number may be another's soon, so the guardian must not keep it. */
  forget(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`forget ${group}`)
  }

  /** Ends the guardian; what it was told to watch and not to forget is killed. */
  close(): void {
    this.#closed = true
    this.#shell?.stdin?.end()
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' })
    this.#shell = shell
    // A broken pipe means that the shell is gone, which `exit` tells as well.
    shell.stdin.on('error', () => {})
    shell.on('error', () => {})
    shell.once('exit', () => {
      if (!this.#closed) this.#start()
    })
    for (const group of this.#groups) this.#tell(`add ${group}`)
    // The guardian waits for the supervisor, not the other way round.
    shell.unref()
    ;(shell.stdin as unknown as { unref?: () => void }).unref?.()
  }

  #tell(line: string): void {
    if (this.#shell?.stdin?.writable === true) this.#shell.stdin.write(`${line}\n`)
  }
}
