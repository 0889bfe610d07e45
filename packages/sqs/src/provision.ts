import { CreateQueueCommand, GetQueueAttributesCommand, GetQueueUrlCommand, type QueueAttributeName } from '@aws-sdk/client-sqs'
import { ConfigurationError } from 'seaworthy/core'
import type { Wire } from './wire.ts'

export interface Provisioned {
  readonly url: string
  readonly deadUrl: string
  /** What the queue takes at most, in bytes. */
  readonly messageBytesMax: number
  /** How long it keeps back what is sent without a delay of its own. */
  readonly delayMs: number
}

const FIFO = '.fifo'
const DEAD = '-dead'
// Two weeks: as long as SQS keeps anything.
const RETENTION_S = 1_209_600

export function isFifo(name: string): boolean {
  return name.endsWith(FIFO)
}

/** @throws ConfigurationError when the name is none for SQS */
function deadNameOf(name: string): string {
  const base = isFifo(name) ? name.slice(0, -FIFO.length) : name
  if (!/^[\w-]{1,70}$/.test(base))
    throw new ConfigurationError(
      `The name of an SQS queue has 1 to 70 letters, digits, "-" and "_", and ".fifo" at its end if it is one: not "${name}".`,
    )
  return isFifo(name) ? `${base}${DEAD}${FIFO}` : `${base}${DEAD}`
}

/**
 * Finds the queue and that of its dead letters, and makes them if they are not there: whoever makes them by other means needs no permission for it here.
 * @throws ConfigurationError when the queue there is sets messages aside otherwise than it should
 */
export async function provision(wire: Wire, { name, deliveryLimit }: { name: string; deliveryLimit: number }): Promise<Provisioned> {
  const deadName = deadNameOf(name)
  const kind = isFifo(name) ? { FifoQueue: 'true' } : {}
  const shared = { ...kind, MessageRetentionPeriod: String(RETENTION_S) }
  const deadUrl = (await find(wire, deadName)) ?? (await make(wire, deadName, shared))
  const { QueueArn: deadArn } = await attributes(wire, { name: deadName, url: deadUrl }, ['QueueArn'])
  const redrive = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: deliveryLimit })
  const url = (await find(wire, name)) ?? (await make(wire, name, { ...shared, RedrivePolicy: redrive }))
  const settings = await attributes(wire, { name, url }, ['RedrivePolicy', 'MaximumMessageSize', 'DelaySeconds'])
  const { RedrivePolicy: policy = '{}', MaximumMessageSize: size, DelaySeconds: delayS } = settings
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(policy) as { deadLetterTargetArn?: string; maxReceiveCount?: number | string }
  if (deadLetterTargetArn !== deadArn || Number(maxReceiveCount) !== deliveryLimit)
    throw new ConfigurationError(
      `The redrive policy of the SQS queue ${name} is ${policy}. It must lead to ${deadArn} after ${deliveryLimit} receives (deliveryLimit): change one of the two.`,
    )
  return { url, deadUrl, messageBytesMax: Number(size ?? 262_144), delayMs: Number(delayS ?? 0) * 1_000 }
}

async function find(wire: Wire, name: string): Promise<string | undefined> {
  const found = await wire.ask(
    async (client, options) => {
      try {
        return await client.send(new GetQueueUrlCommand({ QueueName: name }), options)
      } catch (error) {
        const { name: awsError = '' } = error as { name?: string }
        if (awsError === 'QueueDoesNotExist' || awsError.endsWith('NonExistentQueue')) return undefined
        throw error
      }
    },
    { what: `Looking for the SQS queue ${name}`, changes: false },
  )
  return found?.QueueUrl
}

async function make(wire: Wire, name: string, settings: Partial<Record<QueueAttributeName, string>>): Promise<string> {
  // Made twice with the same settings, it is made once.
  const made = await wire.ask(
    (client, options) => client.send(new CreateQueueCommand({ QueueName: name, Attributes: settings }), options),
    {
      what: `Making the SQS queue ${name}`,
      changes: false,
    },
  )
  return made.QueueUrl!
}

async function attributes(
  wire: Wire,
  { name, url }: { name: string; url: string },
  names: QueueAttributeName[],
): Promise<Partial<Record<string, string>>> {
  const answer = await wire.ask(
    (client, options) => client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: names }), options),
    { what: `Asking for the settings of the SQS queue ${name}`, changes: false },
  )
  return answer.Attributes ?? {}
}
