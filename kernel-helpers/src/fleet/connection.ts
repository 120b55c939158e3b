import { lstatSync, readFileSync } from "node:fs";
import { connect, credsAuthenticator, nkeyAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { ArgumentError, BpflabError } from "../base/errors.js";

/** How to be let in by a fleet's server. */
export interface ConnectionOptions {
  /** A file with the credentials: an nkey's seed, or a `.creds` file of NATS; only its owner may read it. */
  creds?: string;
  /** A file with the certificate of the authority that signed the server's, where the system does not know it. */
  ca?: string;
}

/**
 * Connects to a NATS server, and again whenever the connection breaks.
 *
 * @throws ArgumentError for a URL or a credentials file that cannot be used; BpflabError when the server does not let us in
 */
export async function connectServer(
  url: string,
  { creds, ca }: ConnectionOptions,
  inboxPrefix: string,
): Promise<NatsConnection> {
  const wantsTls = /^tls:\/\//.test(url);
  if (!wantsTls && !/^nats:\/\//.test(url))
    throw new ArgumentError(`Expected a server such as tls://fleet.example:4222, got ${JSON.stringify(url)}.`);
  const authenticator = creds === undefined ? {} : { authenticator: authenticatorOf(creds) };
  // Without `host` Node holds the certificate of a server with an IP address against "localhost".
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const tls = wantsTls ? { tls: { host, ...(ca === undefined ? {} : { caFile: ca }) } } : {};
  const connection = await connect({
    servers: url.replace(/^\w+:\/\//, ""),
    ...authenticator,
    ...tls,
    inboxPrefix,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    ignoreAuthErrorAbort: true,
    timeout: 20_000, // a busy host takes its time
  }).catch((cause: Error) => {
    throw new BpflabError("FLEET", `${url} refuses the connection: ${cause.message}.`, {
      hint: "Check that the server runs there and accepts these credentials.",
      cause,
    });
  });
  const { tls_available, tls_required } = connection.info ?? {};
  if (!wantsTls || tls_available || tls_required) return connection;
  await connection.close();
  throw new BpflabError("FLEET", `${url} does not speak TLS, so others could read the traffic.`, {
    hint: "Give the server a certificate; nats:// is for a network that nobody else can reach.",
  });
}

function authenticatorOf(path: string) {
  let bytes: Buffer;
  try {
    const { mode } = lstatSync(path);
    if ((mode & 0o077) !== 0)
      throw new ArgumentError(`The credentials in ${path} can be read by others.`, { hint: `Run chmod 600 ${path}.` });
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof ArgumentError) throw error;
    throw new ArgumentError(`The credentials cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const text = bytes.toString("latin1").trim();
  if (text.includes("-----BEGIN NATS USER JWT-----")) return credsAuthenticator(bytes);
  if (/^SU[A-Z2-7]{56}$/.test(text)) return nkeyAuthenticator(Buffer.from(text));
  throw new ArgumentError(`${path} holds no credentials of a NATS user.`, {
    hint: "It is the seed of an nkey (SU…) or a .creds file.",
  });
}
