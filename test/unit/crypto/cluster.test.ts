/** PBFT's cores with real keys, each behind a keyring as in a node: what is not signed gets nowhere. */
import { describe, expect, it } from 'vitest'
import type { Request } from '../../../src/consensus/contract.js'
import type { NodeId } from '../../../src/consensus/ids.js'
import type { Message, Options } from '../../../src/consensus/pbft/index.js'
import { coreCrypto, Keyring } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import { signRequests, type Voice } from '../../../src/crypto/sealed.js'
import { CLUSTER_ID, type Flight, PbftCluster } from '../../support/pbft-cluster.js'

const IDS = ['n1', 'n2', 'n3', 'n4']
const signerOf = (n: number) => nodeSuite.signer(new Uint8Array(32).fill(n))
const SIGNERS = new Map(IDS.map((id, i) => [id, signerOf(i + 1)]))
const CLIENT = signerOf(9)
const VOICE: Voice = { suite: nodeSuite, signer: CLIENT, clusterId: CLUSTER_ID }

class RealCluster extends PbftCluster {
  readonly keyrings = new Map(IDS.map((id) => [id, newKeyring()]))
  refused: Message['type'][] = []

  constructor() {
    super(4)
  }

  override optionsOf(id: NodeId): Options {
    return { ...super.optionsOf(id), crypto: coreCrypto(nodeSuite, SIGNERS.get(id)!) }
  }

  override deliverOne(flight: Flight): void {
    this.flights = this.flights.filter((one) => one !== flight)
    const admitted = this.keyrings.get(flight.to)!.admit(flight.message)
    if (admitted === null) this.refused.push(flight.message.type)
    else this.replica(flight.to).step({ type: 'Receive', from: flight.from, message: admitted })
  }

  askSigned(at: NodeId): Request {
    const [request] = signRequests(VOICE, [this.request()])
    this.replica(at).step({ type: 'Propose', requests: [request!] })
    return request!
  }
}

function newKeyring(): Keyring {
  return new Keyring({
    suite: nodeSuite,
    clusterId: CLUSTER_ID,
    replicas: IDS.map((name) => ({ name, publicKey: SIGNERS.get(name)!.publicKey })),
    clients: [{ name: 'c', publicKey: CLIENT.publicKey }],
    allowAnonymousClients: false,
  })
}

describe('PBFT with real keys', () => {
  it('executes what a client signed, through a view change too', () => {
    const cluster = new RealCluster()
    const first = cluster.askSigned('n1')
    cluster.settle()
    expect(cluster.timesExecuted(first)).toBe(1)
    cluster.replica('n1').crash()
    const second = cluster.askSigned('n2')
    cluster.pass(40)
    expect(cluster.timesExecuted(second)).toBe(1)
    expect(cluster.replica('n2').core.state.view).toBeGreaterThan(0)
    expect(cluster.refused).toEqual([])
  })

  it('verifies each statement once, however often it arrives', () => {
    const cluster = new RealCluster()
    cluster.tamper = (flight) => [flight, flight, flight]
    cluster.askSigned('n1')
    cluster.settle()
    const { verifications, remembered } = cluster.keyrings.get('n3')!.counters
    // The client's, the proposal, two prepares, three commits.
    expect(verifications).toBe(7)
    expect(remembered).toBeGreaterThanOrEqual(2 * verifications)
  })

  it('votes under the names of others are refused, and their own replica goes on alone', () => {
    const cluster = new RealCluster()
    cluster.tamper = (flight) => {
      const { message } = flight
      if (flight.from !== 'n4' || !('sender' in message)) return [flight]
      return [flight, { ...flight, message: { ...message, sender: 'n2' } }]
    }
    const request = cluster.askSigned('n1')
    cluster.settle()
    expect(cluster.refused.length).toBeGreaterThan(0)
    expect(cluster.timesExecuted(request)).toBe(1)
  })

  it('a primary that invents a request is heard by nobody, and replaced', () => {
    const cluster = new RealCluster()
    cluster.replica('n1').honest = false
    const [invented] = cluster.ask(['n1'])
    cluster.settle()
    expect(cluster.refused).toEqual(['PrePrepare', 'PrePrepare', 'PrePrepare'])
    const asked = cluster.askSigned('n2')
    cluster.pass(60)
    expect(cluster.timesExecuted(invented!)).toBe(0)
    expect(cluster.timesExecuted(asked)).toBe(1)
  })
})
