import { type StatementResult, type Storage, Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { LockOwner, Wait, Waiting } from './locks.ts'
import type { Notification, NotificationReceiver, Notifications } from './notifications.ts'
import { NO_ROWS, runStatement } from './run-statement.ts'
import type { Session, SessionState } from './session.ts'
import type { PostgresStatement } from './statement.ts'
import { TransactionBlock } from './transaction-block.ts'

/** The server, as its sessions see it. */
export interface SessionHost {
  readonly storage: Storage
  readonly notifications: Notifications
  /** Says that the session can go on; it does so in its turn. */
  schedule(session: ServerSession): void
  /** Says that the session could go on, but that others may go first. @returns false when there are no others */
  yieldTurn(session: ServerSession): boolean
  /** Lets those go on that can, one after another, until all wait or are done. */
  drain(): void
  closed(session: ServerSession): void
}

interface Request {
  readonly statement: PostgresStatement
  readonly resolve: (result: StatementResult) => void
  readonly reject: (error: unknown) => void
  work: Waiting<StatementResult> | undefined
}

/** The server's side of a connection. */
export class ServerSession implements Session, LockOwner, NotificationReceiver {
  readonly name: string
  waitsFor: Wait | undefined
  readonly #host: SessionHost
  readonly #queue: Request[] = []
  readonly #listeners = new Set<(notification: Notification) => void>()
  readonly #undelivered: Notification[] = []
  #running: Request | undefined
  #transaction: TransactionBlock | undefined
  /** Between BEGIN and COMMIT. */
  #explicit = false
  #failed = false
  #interrupt: PostgresModelError | undefined
  #clientIsGone = false
  /** Why the connection was ended. */
  #closedBy: PostgresModelError | undefined
  #closed = false

  constructor(name: string, host: SessionHost) {
    this.name = name
    this.#host = host
  }

  get state(): SessionState {
    if (this.#closed) return 'closed'
    if (this.waitsFor !== undefined) return 'waiting'
    if (this.#failed) return 'failed'
    return this.#explicit ? 'in-transaction' : 'idle'
  }

  execute(statement: PostgresStatement): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      // A client that is gone is answered no more.
      if (this.#clientIsGone) return
      if (this.#closed) {
        reject(this.#closedBy)
        return
      }
      this.#queue.push({ statement, resolve, reject, work: undefined })
      if (this.#running === undefined) this.#startNext()
      this.#host.drain()
    })
  }

  onNotification(listener: (notification: Notification) => void): () => void {
    const own = (notification: Notification) => listener(notification)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  cancel(): void {
    if (this.waitsFor !== undefined) this.#interruptWith(new PostgresModelError('57014', `The statement of ${this.name} was canceled.`))
    this.#host.drain()
  }

  terminate(error = new PostgresModelError('57P01', `The connection of ${this.name} was terminated.`)): void {
    this.close(error)
    this.#host.drain()
  }

  disconnect(): void {
    this.#clientIsGone = true
    this.#queue.length = 0
    if (this.#running === undefined) this.close(undefined)
    this.#host.drain()
  }

  wake(): void {
    this.waitsFor = undefined
    this.#host.schedule(this)
  }

  /** Goes on with the statement until it waits or ends. */
  resume(): void {
    const request = this.#running
    if (request === undefined) return
    let answer: () => void
    try {
      const result = this.#advance(request)
      if (result === undefined) return
      answer = () => request.resolve(result)
    } catch (error) {
      this.#fail()
      answer = () => request.reject(error)
    }
    this.#finish(answer)
  }

  giveUp(error: PostgresModelError): void {
    this.#interruptWith(error)
  }

  receive(notification: Notification): void {
    this.#undelivered.push(notification)
    this.#deliver()
  }

  /** Ends the connection, and lets nobody go on yet, so that a server can end all at once. Without an error the client hears nothing. */
  close(error: PostgresModelError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#closedBy = error
    for (const request of this.#queue.splice(0)) if (error !== undefined) request.reject(error)
    this.#host.notifications.remove(this)
    if (this.#running === undefined) this.#end('rollback')
    else if (error !== undefined) this.#interruptWith(error)
    this.#host.closed(this)
  }

  /** The result, if the statement comes to its end now. */
  #advance(request: Request): StatementResult | undefined {
    const work = (request.work ??= this.#perform(request.statement))
    for (;;) {
      const interrupt = this.#interrupt
      this.#interrupt = undefined
      const step = interrupt === undefined ? work.next() : work.throw(interrupt)
      if (step.done === true) return step.value
      // To wait, or to let others go first, of whom there may be none.
      if (step.value.kind !== 'turn' || this.#host.yieldTurn(this)) return undefined
    }
  }

  #startNext(): void {
    this.#running = this.#queue.shift()
    if (this.#running !== undefined) this.#host.schedule(this)
  }

  *#perform(statement: PostgresStatement): Waiting<StatementResult> {
    if (statement.kind === 'commit' || statement.kind === 'rollback') {
      this.#end(statement.kind)
      return NO_ROWS
    }
    if (this.#failed) throw new PostgresModelError('25P02', `The transaction of ${this.name} is aborted; it can only be ended.`)
    const { storage, notifications } = this.#host
    const transaction = (this.#transaction ??= new TransactionBlock(storage, notifications, this))
    if (statement.kind === 'begin') {
      this.#explicit = true
      return NO_ROWS
    }
    const result = yield* runStatement(statement, new Command(storage, this, transaction), transaction)
    if (!this.#explicit) this.#end('commit')
    return result
  }

  #end(how: 'commit' | 'rollback'): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#explicit = false
    // The transaction of a failed block has been rolled back where it failed.
    this.#failed = false
    transaction?.[how]()
  }

  /** An error rolls the transaction back at once, with its locks; a block stays, and takes nothing but its end. */
  #fail(): void {
    const explicit = this.#explicit
    this.#transaction?.rollback()
    this.#transaction = undefined
    this.#failed = explicit
  }

  #finish(answer: () => void): void {
    this.#running = undefined
    if (this.#clientIsGone) {
      this.close(undefined)
      return
    }
    answer()
    if (!this.#closed) this.#startNext()
    this.#deliver()
  }

  #interruptWith(error: PostgresModelError): void {
    this.#interrupt = error
    // One that was woken already is scheduled.
    if (this.waitsFor === undefined) return
    this.#host.storage.locks.leaveQueue(this)
    this.#host.schedule(this)
  }

  #deliver(): void {
    if (this.#closed || this.#clientIsGone || this.#explicit || this.#running !== undefined) return
    for (const notification of this.#undelivered.splice(0)) {
      for (const listener of this.#listeners) listener(notification)
    }
  }
}
