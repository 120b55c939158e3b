/**
 * Cells that begin with %%bpf are C to JupyterLab's editor. This is a federated extension as its bundler would make it,
 * written by hand: all that it needs JupyterLab has, and shares.
 */
(() => {
  const NAME = "bpflab-editor";
  const C_CELL = /^%%bpf\b/;

  /** What JupyterLab shares, by package and version. */
  let shared;

  async function load(name) {
    const [newest] = Object.values(shared[name]).reverse();
    return (await newest.get())();
  }

  async function makePlugin() {
    const [lab, state, view] = await Promise.all(
      ["@jupyterlab/codemirror", "@codemirror/state", "@codemirror/view"].map(load),
    );

    /** Reads the cell as C for as long as its first line says so. */
    function switching(languages) {
      const language = new state.Compartment();
      const watcher = view.ViewPlugin.define((editor) => {
        let isC = false;
        const look = async () => {
          const wanted = C_CELL.test(editor.state.doc.line(1).text);
          if (wanted === isC) return;
          isC = wanted;
          const c = (await languages.getLanguage("C"))?.support; // waits in any case: nothing may change in an update
          if (isC === wanted) editor.dispatch({ effects: language.reconfigure(wanted && c ? c : []) });
        };
        void look();
        return {
          update: ({ docChanged }) => void (docChanged && look()),
          destroy: () => (isC = undefined),
        };
      });
      // The first language counts, and the cell's own stays behind this one.
      return [state.Prec.highest(language.of([])), watcher];
    }

    return {
      id: `${NAME}:c-cells`,
      autoStart: true,
      requires: [lab.IEditorExtensionRegistry, lab.IEditorLanguageRegistry],
      activate: (_app, extensions, languages) =>
        extensions.addExtension({
          name: `${NAME}:c-cells`,
          factory: () => lab.EditorExtensionRegistry.createImmutableExtension(switching(languages)),
        }),
    };
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB[NAME] = {
    init: (scope) => void (shared = scope),
    async get() {
      const plugin = await makePlugin();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
