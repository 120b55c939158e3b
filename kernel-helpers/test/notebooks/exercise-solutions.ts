/** What a reader of the notebooks writes into their gaps, in the order of the gaps. */
export const solutions: Record<string, string[]> = {
  "1-minimal": [
    `  number: "process",
  when: "begins",
  lines: 3,`,
  ],
  "2-hashmap": [
    `	u64 id = bpf_get_current_pid_tgid();
	u64 *t = bpf_map_lookup_elem(&starts, &id);
	if (!t) return 0;
	bpf_printk("%d took %llu ns", (u32)id, bpf_ktime_get_ns() - *t);
	bpf_map_delete_elem(&starts, &id);`,
  ],
  "3-ringbuf": [
    `	struct event *e;
	e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (e) {
		e->duration_ns = bpf_ktime_get_ns() - note->ts;
		e->pid = id >> 32;
		e->tid = id;
		e->fd = note->fd;
		e->ret = ctx->ret;
		bpf_get_current_comm(&e->comm, sizeof(e->comm));
		bpf_ringbuf_submit(e, 0);
	}`,
    `  return ringbuf.events("rb").subscribe((batch) => {
    for (const event of batch.table.objects() as Event[]) act(event);
  });`,
    `  return ringbuf.events("rb").subscribe((batch) => act(batch.rows));`,
  ],
  "4-stats": [
    `	struct stats none = {}, *s;
	u64 ns = bpf_ktime_get_ns() - note->ts;
	struct fd_key key = { id >> 32, note->fd };
	bpf_map_update_elem(&stats_map, &key, &none, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&stats_map, &key);
	if (!s)
		return 0;
	__sync_fetch_and_add(&s->writes, 1);
	__sync_fetch_and_add(&s->total_ns, ns);
	if (ns > s->max_ns)
		s->max_ns = ns;
	if (every_n && s->writes % every_n == 0) {
		struct record *r = bpf_ringbuf_reserve(&rb, sizeof(*r), 0);

		if (!r)
			return 0;
		r->key = key;
		r->writes = s->writes;
		r->total_ns = s->total_ns;
		r->max_ns = s->max_ns;
		bpf_ringbuf_submit(r, 0);
	}`,
  ],
  "5-icmp-filter": [
    `	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	u64 now = bpf_ktime_get_ns();
	struct window *w;
	u32 source;
	if ((void *)(icmp + 1) > data_end)
		return PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_ICMP || icmp->type != 8)
		return PASS;
	source = ip->saddr;
	w = bpf_map_lookup_elem(&windows, &source);
	if (!w) {
		struct window fresh = { now, 1 };
		bpf_map_update_elem(&windows, &source, &fresh, BPF_ANY);
		return PASS;
	}
	if (now - w->begun >= 1000000000) {
		w->begun = now;
		w->count = 0;
	}
	w->count++;
	return w->count > threshold ? DROP : PASS;`,
  ],
};
