/^/ PREPEND X-Originating: yes
