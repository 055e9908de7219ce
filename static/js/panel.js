// What pages do beyond htmx: menus that close, the dialog that confirms, a word when the panel is
// silent. Without it every page still works.

"use strict";

(() => {
  const dialog = () => document.getElementById("dialog");

  // Menus close by a click elsewhere and by Escape.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // Where the focus goes when the dialog has closed.
  let opener = "";

  function showAlert() {
    document.querySelector("#alerts .alert")?.focus();
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    // Nobody looks: do not ask.
    if (event.target.id === "live" && document.hidden) event.preventDefault();
  });

  // Settled: before that htmx does not know the form yet, and a quick Enter would load a page.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "dialog-content") return;
    // A form in it that was refused comes back with what is wrong.
    if (!dialog().open) {
      const { elt } = event.detail.requestConfig;
      opener = (elt.matches("button") ? elt : elt.querySelector("button"))?.id ?? "";
      dialog().showModal();
    }
    // Not by `autofocus`: htmx too sets the focus there, whether the dialog is open or not.
    dialog().querySelector("[data-first]")?.focus();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const isAnswered = event.detail.xhr.status > 0;
    if (event.target.id === "live" && isAnswered) document.getElementById("silent")?.remove();
    if (event.target.id !== "dialog-form") return;
    dialog().close();
    showAlert();
  });

  document.addEventListener("close", (event) => {
    if (event.target !== dialog()) return;
    document.getElementById("dialog-content").replaceChildren();
    // The browser gives the focus back itself, unless the button was replaced meanwhile.
    if (document.activeElement === document.body) document.getElementById(opener)?.focus();
  }, true);

  // « All that is shown » ticks every box; a box that is ticked off takes it back.
  document.addEventListener("change", ({ target }) => {
    const form = target.closest("form[data-choice]");
    if (!form) return;
    const boxes = [...form.querySelectorAll("input[name=chosen]")];
    if (target.name === "all") for (const box of boxes) box.checked = target.checked;
    else form.elements.all.checked = boxes.every((box) => box.checked);
  });

  // What is to be pasted elsewhere is copied by a button; where the browser may not, it is selected.
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("button[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);
    }
  });

  document.addEventListener("htmx:sendError", (event) => {
    const offline = document.getElementById("offline");
    if (offline && !document.getElementById("silent")) {
      const alert = offline.content.firstElementChild.cloneNode(true);
      alert.id = "silent";
      document.getElementById("alerts").replaceChildren(alert);
    }
    if (event.target.id !== "live") showAlert();
  });
})();
