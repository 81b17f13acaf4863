"use strict";
(() => {
  const tip = document.getElementById("tip");

  function show(mark) {
    const box = mark.getBoundingClientRect();
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const left = box.left + box.width / 2 - tip.offsetWidth / 2;
    const most = document.documentElement.clientWidth - tip.offsetWidth - 4;
    const above = box.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(4, Math.min(left, most)) + window.scrollX}px`;
    tip.style.top = `${(above > 0 ? above : Math.min(box.bottom + 6, window.innerHeight - tip.offsetHeight)) + window.scrollY}px`;
  }

  function hide() { tip.hidden = true; }

  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

  function makeNavigable(picture) {
    const marks = [...picture.querySelectorAll(".mark")];
    if (marks.length === 0) return;
    let at = 0;
    marks[0].setAttribute("tabindex", "0");

    function enter(index) {
      marks[at].setAttribute("tabindex", "-1");
      at = Math.max(0, Math.min(marks.length - 1, index));
      marks[at].setAttribute("tabindex", "0");
      marks[at].focus();
    }

    marks.forEach((mark) => {
      mark.addEventListener("pointerenter", () => show(mark));
      mark.addEventListener("pointerleave", hide);
      mark.addEventListener("focus", () => show(mark));
      mark.addEventListener("blur", hide);
    });
    picture.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      enter(at + STEPS[event.key]);
    });
  }

  document.querySelectorAll("figure svg").forEach(makeNavigable);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
})();
