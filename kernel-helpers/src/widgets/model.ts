/**
 * The kernel's half of a widget: its state, kept equal with the page's half over a comm.
 * https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md (version 2.1.0)
 */
import { randomUUID } from "node:crypto";
import { comms, detached, type Comm } from "../base/display.js";

const TARGET = "jupyter.widget";
const CONTROL_TARGET = "jupyter.widget.control";
const protocol = { version: "2.1.0" };

/** Least time between two messages about one widget; the newest state is always sent. */
const PERIOD_MS = 50;

type State = Record<string, unknown>;

/** What the page says, once it has been looked at. */
interface Message {
  method?: unknown;
  state?: unknown;
  content?: unknown;
}

/** What a model asks of the widget it belongs to. */
export interface ModelEvents {
  /** Takes what the page changed, and returns what of it was accepted; what was not is put right in the page. */
  changed?(state: State): State;
  /** A message of the widget's own kind, such as a button's click. */
  custom?(content: unknown): void;
}

const models = new Map<string, Model>();
let announced: unknown;

/** Lets a page that was loaded again have all states at once. */
function announceStates(): void {
  const host = comms();
  if (!host || announced === host) return;
  announced = host;
  host.onOpen(CONTROL_TARGET, (comm) => {
    comm.onMessage((data) => {
      if ((data as Message).method !== "request_states") return;
      const states = Object.fromEntries([...models].map(([id, { state }]) => [id, { ...nameOf(state), state }]));
      comm.send({ method: "update_states", states, buffer_paths: [] });
    });
  });
}

const nameOf = ({ _model_name, _model_module, _model_module_version }: State): State => ({
  model_name: _model_name,
  model_module: _model_module,
  model_module_version: _model_module_version,
});

export class Model {
  readonly id: string;
  readonly state: State;
  readonly #comm: Comm | undefined;
  readonly #events: ModelEvents;
  #unsent: State = {};
  #resting = false;

  constructor(state: State, events: ModelEvents = {}) {
    announceStates();
    this.state = state;
    this.#events = events;
    this.#comm = comms()?.open(TARGET, { state, buffer_paths: [] }, { metadata: protocol });
    this.id = this.#comm?.id ?? randomUUID();
    models.set(this.id, this);
    this.#comm?.onMessage((data) => this.#receive(data as Message));
    this.#comm?.onClose(() => models.delete(this.id));
  }

  /** How other models refer to this one. */
  get reference(): string {
    return `IPY_MODEL_${this.id}`;
  }

  /** Changes the state here and, soon, in the page. */
  set(changes: State): void {
    Object.assign(this.state, changes);
    if (!this.#comm) return;
    Object.assign(this.#unsent, changes);
    this.#flush();
  }

  /** Removes the widget from the page. Idempotent. */
  close(): void {
    models.delete(this.id);
    this.#comm?.close();
  }

  #flush(): void {
    if (this.#resting || Object.keys(this.#unsent).length === 0) return;
    this.#send("update", this.#unsent);
    this.#unsent = {};
    this.#resting = true;
    const wake = () => {
      this.#resting = false;
      this.#flush();
    };
    detached(() => setTimeout(wake, PERIOD_MS));
  }

  #send(method: "update" | "echo_update", state: State): void {
    this.#comm?.send({ method, state, buffer_paths: [] });
  }

  #receive({ method, state, content }: Message): void {
    if (method === "request_state") return this.#send("update", this.state);
    if (method === "custom") return this.#events.custom?.(content);
    if (method !== "update" || typeof state !== "object" || state === null) return;
    for (const name of Object.keys(state)) delete this.#unsent[name]; // the page's is newer
    const accepted = this.#events.changed?.(state as State) ?? {};
    Object.assign(this.state, accepted);
    // To other pages that show the widget; the one that sent it takes it as received.
    if (Object.keys(accepted).length > 0) this.#send("echo_update", accepted);
    const refused = Object.keys(state).filter(
      (name) => name in this.state && accepted[name] !== (state as State)[name],
    );
    if (refused.length > 0) this.set(Object.fromEntries(refused.map((name) => [name, this.state[name]])));
  }
}
