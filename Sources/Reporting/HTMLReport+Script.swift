extension HTMLReport {
  /// What a page does beyond being read: tables are sorted by a click on a title, a series is hidden by a click on its
  /// name in the legend, light and dark are switched, and everything is open on paper. It makes its own buttons, so that nothing is there to
  /// click where scripts do not run.
  ///
  /// No "<" or "&" in here, so that the file stays well-formed XML.
  package static let script = """
    'use strict';
    (() => {
      const root = document.documentElement;
      const make = (parent, text, label, act) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = text;
        if (label) button.setAttribute('aria-label', label);
        button.addEventListener('click', act);
        parent.append(button);
        return button;
      };

      const system = matchMedia('(prefers-color-scheme: dark)');
      const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
      const theme = make(document.querySelector('header'), '', '', () => {
        root.dataset.theme = isDark() ? 'light' : 'dark';
        name();
      });
      const name = () => { theme.textContent = isDark() ? 'Light' : 'Dark'; };
      theme.className = 'theme';
      system.addEventListener('change', name);
      name();

      addEventListener('beforeprint', () => {
        document.querySelectorAll('details').forEach(one => { one.open = true; });
      });

      const number = text => {
        const found = text.replace(/[−–]/g, '-').replace(/,(?=\\d{3})/g, '').match(/-?\\d+(\\.\\d+)?(e-?\\d+)?/);
        return found ? Number(found[0]) : NaN;
      };
      const compare = (a, b) => {
        const [x, y] = [number(a), number(b)];
        if (Number.isNaN(x) || Number.isNaN(y)) {
          return Number.isNaN(x) === Number.isNaN(y) ? a.localeCompare(b) : Number.isNaN(x) ? 1 : -1;
        }
        return x - y;
      };
      document.querySelectorAll('.table table').forEach(table => {
        const titles = [...table.tHead.rows[0].cells];
        titles.forEach((title, column) => {
          const parts = [...title.childNodes];
          make(title, '', '', () => {
            const rising = title.getAttribute('aria-sort') !== 'ascending';
            titles.forEach(other => other.removeAttribute('aria-sort'));
            title.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
            for (const body of table.tBodies) {
              const rows = [...body.rows].filter(row => !row.classList.contains('group'));
              const key = row => row.cells[column].textContent;
              rows.sort((a, b) => rising ? compare(key(a), key(b)) : compare(key(b), key(a)));
              body.append(...rows);
            }
          }).append(...parts);
        });
      });

      document.querySelectorAll('svg.mi').forEach(picture => {
        const series = [...picture.querySelectorAll('.series')];
        picture.querySelectorAll('.key[data-series]').forEach(key => {
          const own = series.filter(one => one.dataset.series === key.dataset.series);
          if (own.length === 0) return;
          picture.setAttribute('role', 'group');
          key.setAttribute('role', 'button');
          key.setAttribute('tabindex', '0');
          key.setAttribute('aria-label', 'Show ' + key.textContent.trim());
          key.setAttribute('aria-pressed', 'true');
          const turn = () => {
            const shown = key.getAttribute('aria-pressed') !== 'true';
            key.setAttribute('aria-pressed', shown);
            own.forEach(one => one.classList.toggle('off', !shown));
          };
          key.addEventListener('click', turn);
          key.addEventListener('keydown', event => {
            if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); turn(); }
          });
        });
      });
    })();
    """

  /// SHA-256 of the script in base64, by which a browser knows it: no other script runs on the page. A test holds
  /// it to the script.
  package static let scriptHash = "Mo9B5pXluw9Wd95w8evQUq2ZLBQlgBZ6uUAMvZjOLRc="
}
